#!/bin/sh
# Measures how long asks take ours and the peers, in turns, and what ours hold in memory, and writes the tables with their goals.
# Under ten minutes on a quiet machine; on a busy one the ratios still hold, the times do not.
folder=${1:?usage: latency.sh FOLDER [OUTPUT]}
out=${2:-bench/search/results/latency.md}
ours=random,sobol,tpe,multivariate-tpe,motpe,gp,forest,cmaes,nsga2,evolution,auto
ours=$ours,pbt/suggestion_trial_dir=c,pb2/suggestion_trial_dir=c
ours=$ours,hyperband/resource_name=x6,asha/resource_name=x6,bohb/resource_name=x6,dehb/resource_name=x6,freezethaw/resource_name=x6
peers=random,qmc,tpe5,tpe4,gp,cmaes,nsga2,hyperopt,skgp,hebo,goptuna,gocmaes,gorandom
"${GO:-go}" build -o "$folder/search" ./bench/search || exit
echo "latency: $ours beside $peers, some minutes; to $out" >&2
{
	echo "# How long a suggestion takes, and what it holds"
	echo
	echo "Written by \`make bench-latency\` at commit $(git rev-parse --short HEAD), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg) at the beginning:"
	echo "random trials are told at once, then the method is asked and told in turns; each process uses one thread. Peers are measured up to"
	echo "10,000 trials, those that need seconds for a suggestion up to 100 or 1,000."
	OMP_NUM_THREADS=1 "$folder/search" -latency -environments "$folder" -methods $ours -peers $peers -sizes 100,300,1000,10000,100000 -rounds 3 \
		-limit "${LIMIT:-9m}"
} >"$out.new" && mv "$out.new" "$out" && sed -n '/^### Goals/,$p' "$out"
