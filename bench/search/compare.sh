#!/bin/sh
# Runs the peers and all of ours on the suite, 15 paired seeds of 100 trials, and prints the tables. Runs are kept below the folder of
# the peers' environments: the peers' for good, ours by the commit.
folder=${1:?usage: compare.sh FOLDER}
peers=random,hyperopt,tpe4,tpe5,tperec,cmaes,gp
stored=$(find bench/search/results -name 'peers*.csv*' | paste -sd, -)
"${GO:-go}" build -o "$folder/search" ./bench/search || exit
"$folder/search" -peers $peers -seeds 15 -with "$stored" -out "$folder/peers.csv" >/dev/null || exit
exec "$folder/search" -methods "${METHODS:-auto,bayesianoptimization,multivariate-tpe,tpe,cmaes,sobol}" -seeds 15 -against $peers \
	-with "$stored,$folder/peers.csv" -out "$folder/ours-$(git rev-parse --short HEAD).csv"
