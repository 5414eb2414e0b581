package suggest

import "math/rand/v2"

const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: multiples of it are spread evenly

// mix is the finalizer of SplitMix64: every bit of the result depends on every bit of z.
//
// G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the constants of
// D. Stafford's variant 13.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// SeedRand makes source give the random numbers of the suggestion for one trial: they depend on the experiment's seed and the
// trial's number alone, so that no restart and no order of arrival changes them.
func SeedRand(source *rand.PCG, seed uint64, number int) {
	source.Seed(mix(seed+golden), mix(mix(seed)+golden*uint64(number)))
}
