#!/bin/sh
# The comparison of the search with its peers, family by family:
#   families.sh peers   runs what is missing of the peers (hours) and keeps it in results/peers.csv
#   families.sh ours    runs ours into results/ours.csv, anew where that was made by other code: remove the file for that
#   families.sh tables  writes results/tables.md and the picture of docs/algorithms.md from what is stored
# $ONLY, where it is set, is a pattern for the names of those that are run.
# $LCBENCH is the folder that holds lcbench and lcbench-tuning, learning curves that README.md says how to make; the data folder by default.
# Curves that were measured before stand in where the data folder has them; a later run takes their place.
mode=${1:?usage: families.sh peers|ours|tables}
cd "$(dirname "$0")/../.." || exit
folder=${PEERS:-.venv-peers}
data=${QALAM_BENCHMARKS:-../shared/benchmarks}
lcbench=${LCBENCH:-$data}
results=bench/search/results
tables=$results/tables.md
jobs=${JOBS:-2}
search=$(mktemp -d)/search
trap 'rm -rf "$(dirname "$search")"' EXIT
"${GO:-go}" build -o "$search" ./bench/search || exit
stored=$results/peers.csv
if [ -f "$data/peers/curves.csv" ]; then stored=$data/peers/curves.csv,$stored; fi
if [ -f $results/ours.csv ]; then with=$stored,$results/ours.csv; else with=$stored; fi

# family TITLE PROBLEMS SEEDS WORKERS AT OURS PEERS [FLAG...]: OURS and PEERS are name:trials, blanks between; 0 trials are those that
# are stored.
family() {
	title=$1 problems=$2 seeds=$3 workers=$4 at=$5 ours=$6 peers=$7
	shift 7
	case $mode in
	peers)
		for p in $peers; do
			if [ "${p#*:}" = 0 ] || ! echo "${p%:*}" | grep -Eq "$ONLY"; then continue; fi
			"$search" -peers "${p%:*}" -trials "${p#*:}" -problems "$problems" -seeds "$seeds" -workers "$workers" -with "$stored" \
				-environments "$folder" -out $results/peers.csv >/dev/null
		done
		;;
	ours)
		for p in $ours; do
			if ! echo "${p%:*}" | grep -Eq "$ONLY"; then continue; fi
			"$search" -methods "${p%:*}" -trials "${p#*:}" -problems "$problems" -seeds "$seeds" -workers "$workers" -jobs "$jobs" \
				-environments "$folder" -out $results/ours.csv "$@" >/dev/null
		done
		;;
	tables)
		also=$(echo "$*" | sed -n 's/.*-earlier \([a-z]*\).*/+\1/p')
		names=$(for p in $ours; do echo "qalam-${p%:*}"; if [ "$also" ]; then echo "qalam-${p%:*}$also"; fi; done; for p in $peers; do echo "${p%:*}"; done)
		set -- -problems "$problems" -workers "$workers" -at "$at" -against "$(echo "$names" | paste -sd, -)" "$@"
		printf '\n## %s\n\n```sh\ngo run ./bench/search %s \\\n  -with %s\n```\n' "$title" "$*" "$with"
		"$search" "$@" -environments "$folder" -with "$with"
		;;
	esac
}

families() {
	family "The suite: tuning problems, 15 seeds, 30 where results are noisy" suite 15 1 10,20,30,50,75,100 \
		"auto:100 gp:100 multivariate-tpe:100 tpe:100 forest:100 cmaes:100 sobol:100" \
		"random:100 hyperopt:100 goptuna:100 gocmaes:100 tpe4:100 tpe5:100 tperec:100 cmaes:100 gp:100"
	if [ "$mode" != tables ]; then # medians of what is noisy need more seeds
		family "" hart6n,tables 30 1 100 "auto:100 gp:100 multivariate-tpe:100 tpe:100" \
			"random:100 hyperopt:100 tpe4:100 tpe5:100 tperec:100 cmaes:100"
	fi
	if [ "$mode" = tables ]; then
		family "The picture" suite 15 1 10,20,30,50,75,100 "auto:100 gp:100 multivariate-tpe:100 tpe:100 cmaes:100 sobol:100" \
			"random:100 hyperopt:100 tpe4:100 tpe5:100 tperec:100 cmaes:100 gp:100" -plot docs/img/search.svg >/dev/null
		family "scikit-optimize on the suite, after 50 trials" suite 3 1 20,30,50 "auto:100 gp:100" "random:100 skgp:0"
		family "SMAC, after 50 trials" suite 3 1 20,30,50 "auto:100 gp:100 forest:100" "random:100 smac:0"
		family "HEBO and Vizier, after 40 trials" hart6,mixed7,fc_slice,fc_protein,nb_c100,ackley5 5 1 20,30,40 "auto:100 gp:100" \
			"random:100 gp:100 hebo:0 vizier:0"
		family "Ax, after 50 trials" suite 1 1 20,30,50 "auto:100 gp:100" "random:100 ax:0"
	fi
	family "bbob's even functions in five dimensions: for the comparison" bbob-even-d5 5 1 20,50,100 \
		"auto:100 gp:100 multivariate-tpe:100 tpe:100 cmaes:100" \
		"random:100 hyperopt:100 goptuna:100 gocmaes:100 tpe4:100 tpe5:100 tperec:100 cmaes:100"
	family "CMA-ES with many trials" branin,hart6,hart6n,ackley5,levy10,rosen5,rast5,f16-d5,f18-d5,f20-d5,f22-d5,f24-d5 5 1 100,500,1000 \
		"cmaes:1000 cmaes/restart_strategy=ipop:1000" "cmaes:1000 gocmaes:1000"
	if [ "$mode" != tables ]; then # on rugged functions five medians are mostly noise
		family "" rast5,f16-d5,f18-d5,f20-d5,f22-d5,f24-d5 20 1 1000 "cmaes:1000 cmaes/restart_strategy=ipop:1000" "cmaes:1000"
	fi
	family "Noise and failures: for the comparison; ours also with a fifth of the trials as repetitions" hart6n,noisy 8 1 20,50,100 \
		"auto:100 gp:100 gp/repetition=0.2:100 multivariate-tpe:100 tpe:100 cmaes:100" \
		"random:100 hyperopt:100 goptuna:100 tpe4:100 tpe5:100 tperec:100 cmaes:100"
	if [ "$mode" != tables ]; then # as many as the peer has
		family "" hart6n 25 1 100 "gp/repetition=0.2:100" ""
	fi
	family "Conditional parameters: cond3 for tuning, condtree for the comparison" conditional 10 1 20,50,100 \
		"auto:100 gp:100 multivariate-tpe:100 tpe:100" "random:100 tpegroup:100 tpe5:100 hyperopt:100"
	family "Constraints: gardner2 and hart6c for tuning, gardner1 and cbranin for the comparison" constrained 10 1 20,50,100 \
		"auto:100 gp:100 multivariate-tpe:100 nsga2:100" "random:100 tpe5:100 nsga2:100 gp:0"
	family "Several objectives: zdt1, zdt3 and dtlz2 for tuning, the others for the comparison" multi 5 1 50,100,200,500 \
		"auto:200 gp:100 motpe:100 nsga2:500" "random:500 tpe5:100 nsga2:500 gp:0"
	if [ "$mode" != tables ]; then # what several at a time are compared with
		family "" hart6,ackley5,rosen5,mixed7,fc_slice,nb_c100 24 1 100 "auto:100 gp:100" ""
	fi
	family "Four at a time" hart6,ackley5,rosen5,mixed7,fc_slice,nb_c100 12 4 20,50,100 \
		"auto:100 gp:100 multivariate-tpe:100 cmaes:100" "random:100 tpe5:100 cmaes:100 gp:0"
	family "Sixteen at a time" hart6,ackley5,rosen5,mixed7,fc_slice,nb_c100 24 16 20,50,100 \
		"auto:100 gp:100 multivariate-tpe:100 cmaes:100" "random:100 tpe5:100 cmaes:100 gp:0"
	family "After five experiments of 100 trials on the other table of the same kind" fc_slice,fc_protein,nb_c10,nb_c100 15 1 10,20,50,100 \
		"gp:100 multivariate-tpe:100" "random:100" -earlier related
	fast=svm-breast,svm-iris,svm-wine,svm-diabetes,dt-breast,dt-iris,dt-wine,dt-digits,dt-diabetes
	middling=mlp-adam-iris,mlp-adam-wine,mlp-adam-diabetes
	slow=ada-breast,ada-iris,ada-wine,ada-diabetes,mlp-adam-breast
	family "Models of scikit-learn, all but two that train for seconds; twenty seeds where a quarter of a second is enough, else six: for the comparison" \
		"$fast,$middling,$slow" 6 1 20,30,50 \
		"auto:50 multivariate-tpe:50" "random:50 tpe5:50 hyperopt:50 gp:0"
	if [ "$mode" != tables ]; then
		family "" "$fast" 20 1 50 "" "gp:50"
		family "" "$fast,$middling" 20 1 50 "auto:50 multivariate-tpe:50" "random:50 tpe5:50 hyperopt:50"
	fi
	if [ "$mode" = peers ]; then # seconds for each suggestion
		family "" gardner1,cbranin,gardner2,hart6c,zdt2,wfg4,branincurrin,zdt6 2 1 100 "" "gp:100"
		family "" hart6,mixed7,fc_slice,fc_protein,nb_c100,ackley5 5 1 40 "" "hebo:40 vizier:40"
		family "" suite 3 1 50 "" "skgp:50 smac:50 ax:50"
	fi
}

if [ "$mode" != tables ]; then
	families
	exit
fi
{
	echo "# The search beside its peers"
	echo
	echo "Written by \`make bench-tables\` from the runs stored beside this file; [README](README.md) says where they come from, and"
	echo "[bench/search](../README.md) what is measured and which problems were for tuning."
	printf '\n## The goals\n\n```sh\ngo run ./bench/search -goals -with %s\n```\n' "$with"
	"$search" -goals -with "$with"
	printf '\nOn tables of recorded runs regrets below 1e-4 count as 1e-4 in these ratios, for many are exactly 0. With 1e-6, as elsewhere:\n'
	"$search" -goals -table-floor 1e-6 -with "$with"
	families
	set -- -curves -stop medianstop,asha,curve -methods asha,hyperband,bohb,dehb,freezethaw -seeds 24
	printf '\n## Early stopping and multi-fidelity\n\n```sh\ngo run ./bench/search %s\n```\n' "$*"
	"$search" "$@"
	for half in lcbench lcbench-tuning; do
		if [ -d "$lcbench/$half" ]; then
			set -- -curves -family $half -stop medianstop,asha,curve -methods asha,hyperband,bohb,dehb,freezethaw -seeds 24
			printf '\n```sh\ngo run ./bench/search %s\n```\n' "$*"
			"$search" -data "$lcbench" "$@"
		else
			echo "families.sh: no table of LCBench's learning curves, $half: README.md says how to make them; \$LCBENCH names the folder" >&2
		fi
	done
} >$tables.new && mv $tables.new $tables
