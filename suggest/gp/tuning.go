package gp

// Constants that were chosen by measurement, on the functions and tables of bench/search that are for tuning.
const (
	designed            int = 2 // trials before the first model, where no setting says otherwise
	designedCategorical int = 6 // where there are categories, of which one trial says nothing about another,
	designedConditional int = 8 // and at most so many where parameters have conditions

	inner    float64 = 0.35 // those that start before there are results lie in this part of every range, in its middle
	imagined int     = 16   // fantasies of pending trials,
	inside   int     = 256  // places looked at in a region

	imaginedFrom float64 = 1.5 // results for each pending trial from which on there are fantasies: those of few results say little

	tail     float64 = 20  // values farther above the median than this, in units of the better half's spread, are cut
	zoom     float64 = 0.3 // that unit is at least so much of what it was early
	bendFrom int     = 4   // values from which on the power of the warp is fitted
	bendLow  float64 = -1  // bounds of that power
	bendHigh float64 = 2

	wMode   float64 = 1.4 // the likeliest w_j a priori is wMode·d^-wPower,
	wPower  float64 = 0.5
	wListed float64 = 0.5 // times this for those with few values,
	wWeight float64 = 0.1 // and so strongly

	refitEvery  int     = 12   // hyper-parameters are learnt again when the trials have grown by one part in this
	fitSteps    int     = 30   // quasi-Newton steps of a fit, at most
	fitGradient float64 = 0.02 // and its tolerances
	fitDecrease float64 = 1e-4
	startNoise  float64 = 0.01 // variance of the noise where a fit starts,
	startExact  float64 = 2e-5 // and where it starts again, with w_j
	startShort  float64 = 4.5  // times as large,
	onePeak     int     = 20   // after more trials than this;
	narrower    float64 = 2    // its end has to be better by so much
	noisyFrom   float64 = 0.01 // ratio of noise to signal from which on a mean is believed rather than a value

	evenly        int     = 512  // places looked at all over the space,
	nearby        int     = 128  // and near the best
	leaders       int     = 24   // so many of which are known exactly; others are left out whose bound is below them,
	screened      int     = 96   // and all after so many
	climbed       int     = 6    // so many are improved:
	climbSteps    int     = 25   // quasi-Newton steps each, at most,
	climbDecrease float64 = 1e-5 // as long as each gains so much,
	climbRounds   int     = 3    // and rounds in turn with exchanging values
)
