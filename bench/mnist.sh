#!/bin/sh
# What examples/pytorchjob-mnist.yaml does, without Qalam: twelve trainings of two PyTorch processes each that meet at a port of
# this machine, three trainings at a time. Usage: mnist.sh SCRIPT FOLDER-FOR-LOGS FIRST-PORT
set -eu
script=$1 logs=$2 port=$3
trials="0.01 0.5
0.02 0.6
0.03 0.7
0.04 0.5
0.05 0.6
0.01 0.7
0.02 0.5
0.03 0.6
0.04 0.7
0.05 0.5
0.01 0.6
0.02 0.7"

cat >"$logs/trial.sh" <<'TRIAL'
script=$1 logs=$2 port=$3 lr=$4 momentum=$5
start() {
	env -i PATH=/usr/bin:/bin HOME="$logs" PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 OMP_NUM_THREADS=1 \
		MASTER_ADDR=127.0.0.1 MASTER_PORT="$port" WORLD_SIZE=2 RANK="$1" \
		python3 "$script" --epochs=1 --batch-size=16 --lr="$lr" --momentum="$momentum" >"$logs/$port-$1.log" 2>&1 &
}
start 0
master=$!
start 1
worker=$!
wait "$master"
wait "$worker"
TRIAL

echo "$trials" | while read -r lr momentum; do
	echo "$script $logs $port $lr $momentum"
	port=$((port + 1))
done | xargs -P 3 -L 1 sh -e "$logs/trial.sh"
