// Command go-trial is a Go program as a trial: it trains a network with one hidden layer on the 1,797 digits of
// ../pytorch-mnist/digits.csv.gz and prints a line of metrics per epoch. It knows nothing of qalam.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, time.Now); err != nil {
		fmt.Fprintln(os.Stderr, "go-trial:", err)
		os.Exit(1)
	}
}

// run trains as the arguments say and writes the test loss and accuracy after each epoch.
func run(args []string, out io.Writer, now func() time.Time) error {
	flags := flag.NewFlagSet("go-trial", flag.ContinueOnError)
	data := flags.String("data", "examples/pytorch-mnist/digits.csv.gz", "gzipped CSV of 64 pixels and a digit a line")
	hidden := flags.Int("hidden", 16, "units in the hidden layer")
	rate := flags.Float64("lr", 0.1, "step size of gradient descent")
	epochs := flags.Int("epochs", 5, "times to see every training image")
	seed := flags.Uint64("seed", 1, "of the initial weights and the order of the images")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *hidden < 1 || *epochs < 1 || !(*rate > 0) {
		return fmt.Errorf("-hidden, -epochs and -lr must be positive, not %d, %d and %g", *hidden, *epochs, *rate)
	}
	training, test, err := readDigits(*data)
	if err != nil {
		return err
	}
	net := newNetwork(*hidden, *seed)
	for epoch := 1; epoch <= *epochs; epoch++ {
		net.train(training, *rate)
		loss, accuracy := net.evaluate(test)
		_, err := fmt.Fprintf(out, "%s epoch=%d loss=%.6f accuracy=%.4f\n",
			now().UTC().Format(time.RFC3339Nano), epoch, loss, accuracy)
		if err != nil {
			return fmt.Errorf("print metrics: %w", err)
		}
	}
	return nil
}
