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
if [ -n "$missing" ]; then
	echo "peers: without$missing" >&2
fi
