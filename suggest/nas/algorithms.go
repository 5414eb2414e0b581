package nas

import (
	"fmt"
	"strconv"

	"qalam/suggest"
)

// The ways in which enas proposes architectures.
const (
	controllerRL        = "rl"
	controllerEvolution = "evolution"
)

// Algorithms are enas and darts, under Katib's names and with Katib's settings.
func Algorithms() []suggest.Algorithm { return []suggest.Algorithm{enasAlgorithm(), dartsAlgorithm()} }

func enasAlgorithm() suggest.Algorithm {
	number := func(name, def string, most float64, mayBeNone bool, doc string) suggest.Setting {
		return suggest.Setting{Name: name, Kind: suggest.KindString, Default: def, Check: inRange(most, mayBeNone), Doc: doc}
	}
	return suggest.Algorithm{
		Name: "enas", New: newEnas, Supports: enasSupports, Architectures: true,
		Doc: "Lets a recurrent network, trained by reinforcement on the finished trials, put architectures together layer by layer; no " +
			"architecture is tried twice.",
		Settings: []suggest.Setting{
			{
				Name: "controller", Kind: suggest.KindString, Default: controllerRL, Check: oneOfControllers,
				Doc: "How architectures are proposed: rl, the recurrent network; or evolution, which changes good architectures in one place each.",
			},
			{
				Name: "controller_hidden_size", Kind: suggest.KindInt, Default: "64", Check: between(1, maxHidden),
				Doc: "Width of the recurrent network, at most 256.",
			},
			number("controller_temperature", "5.0", 0, true, "Divides the network's scores: larger means more random choices; None is 1."),
			number("controller_tanh_const", "2.25", 0, true, "Bound of the scores, which keeps every choice possible; None is no bound."),
			number("controller_entropy_weight", "0.01", 0, true, "Weight of randomness as an aim of its own, or None; Katib's default is 1e-5."),
			number("controller_baseline_decay", "0.999", 1, false, "How much less an earlier trial counts than the next one in what a trial is compared with."),
			number("controller_learning_rate", defaultRate, 1, false, "Step size of the network's training; Katib's 5e-5 hardly moves it in hundreds of trials."),
			number("controller_skip_target", "0.4", 1, false, "Share of skip connections that is aimed for."),
			number("controller_skip_weight", defaultSkip, 0, true, "Weight of that aim, or None; Katib's default is 0.8."),
			{
				Name: "controller_train_steps", Kind: suggest.KindInt, Default: "50", Check: suggest.AtLeast(1),
				Doc: "Architectures that the network goes over for every eight trials, as far as that takes no longer than about 20 ms.",
			},
			{
				Name: "controller_log_every_steps", Kind: suggest.KindInt, Default: "10", Check: suggest.AtLeast(1),
				Doc: "Accepted for Katib's sake and without effect: there is no log of the training.",
			},
		},
	}
}

const (
	defaultRate = "0.02"
	defaultSkip = "None"
	maxHidden   = 256 // beyond it, deep networks take more than 100 ms and 100 MiB
)

func enasSupports(p suggest.Problem, _ suggest.Settings) string {
	if p.Space.Len() != dimensions(p.Architecture.Layers) || !p.Space.Plain() {
		return "its space is not one of chains of layers: use random"
	}
	return ""
}

// tuned reads the settings.
func tuned(s suggest.Settings) tuning {
	orNone := func(name string, otherwise float64) float64 {
		if s[name] == none {
			return otherwise
		}
		return s.Float(name)
	}
	return tuning{
		hidden: int(s.Int("controller_hidden_size")), steps: int(s.Int("controller_train_steps")),
		temperature: orNone("controller_temperature", 1), tanh: orNone("controller_tanh_const", 0),
		entropy: orNone("controller_entropy_weight", 0), decay: s.Float("controller_baseline_decay"), rate: s.Float("controller_learning_rate"),
		// A target of 1 would put an infinite price on every connection that is not made.
		skipTarget: min(s.Float("controller_skip_target"), 0.999), skipScale: orNone("controller_skip_weight", 0),
	}
}

// inRange checks numbers above 0, up to most where that is not 0. Katib's messages.
func inRange(most float64, mayBeNone bool) func(string) string {
	return func(text string) string {
		if mayBeNone && text == none {
			return ""
		}
		v, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil && mayBeNone:
			return fmt.Sprintf("%q is neither a number nor None", text)
		case err != nil:
			return fmt.Sprintf("%q is not a number", text)
		case most == 0 && !(v > 0 && v <= 1e300):
			return fmt.Sprintf("%s must be in range (0, inf)", text)
		case most > 0 && !(v > 0 && v <= most):
			return fmt.Sprintf("%s must be in range (0, %g]", text, most)
		}
		return ""
	}
}

// between is a Check of whole numbers.
func between(low, high int64) func(string) string {
	return func(text string) string {
		if v, _ := strconv.ParseInt(text, 10, 64); v < low || v > high { // its kind was checked before
			return fmt.Sprintf("%s must be in range [%d, %d]", text, low, high)
		}
		return ""
	}
}

func oneOfControllers(text string) string {
	if text != controllerRL && text != controllerEvolution {
		return fmt.Sprintf("%q is not a way to propose architectures: use %s or %s", text, controllerRL, controllerEvolution)
	}
	return ""
}
