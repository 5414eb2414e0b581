#!/bin/sh
# Makes the virtual environments of the peers below the folder given, and says which could not be had. Peers that want other releases
# of the same packages live in environments of their own. What is installed already is left alone.
folder=${1:?usage: install.sh FOLDER}
python=${PYTHON:-python3}
here=$(dirname "$0")
missing=""
for requirements in "$here"/requirements-*.txt; do
	name=$(basename "$requirements" .txt)
	name=${name#requirements-}
	if cmp -s "$requirements" "$folder/$name/installed.txt"; then
		continue
	fi
	echo "peers: installing $name into $folder/$name (PyTorch and its libraries take some GB)"
	if "$python" -m venv "$folder/$name" &&
		"$folder/$name/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir -r "$requirements" >"$folder/$name/pip.log" 2>&1; then
		cp "$requirements" "$folder/$name/installed.txt"
	else
		missing="$missing $name"
		echo "peers: could not install $name:" >&2
		tail -n 5 "$folder/$name/pip.log" >&2
	fi
done
# goptuna is written in Go: a program of a module of its own speaks for it.
if ! cat "$here"/goptuna/main.go "$here"/goptuna/go.mod | cmp -s - "$folder/goptuna/installed.txt"; then
	echo "peers: building goptuna into $folder/goptuna"
	mkdir -p "$folder/goptuna/bin"
	bin=$(cd "$folder/goptuna/bin" && pwd)
	if (cd "$here/goptuna" && GOWORK=off "${GO:-go}" build -o "$bin/goptuna" .); then
		cat "$here"/goptuna/main.go "$here"/goptuna/go.mod >"$folder/goptuna/installed.txt"
	else
		missing="$missing goptuna"
	fi
fi
if [ -n "$missing" ]; then
	echo "peers: without$missing" >&2
fi
