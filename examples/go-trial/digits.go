package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

const (
	pixels  = 64 // of an 8×8 image
	classes = 10
	heldOut = 360 // the last images of the file, for the most part by other writers, are for the test
)

// example is an image, its pixels between 0 and 1, and the digit it shows.
type example struct {
	image [pixels]float64
	digit int
}

// readDigits returns the training and the test examples of a gzipped CSV file.
func readDigits(path string) (training, test []example, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the digits (give their place with -data): %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	all, err := parseDigits(unzipped)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(all) <= heldOut {
		return nil, nil, fmt.Errorf("%s: %d images are too few to keep %d for the test", path, len(all), heldOut)
	}
	return all[:len(all)-heldOut], all[len(all)-heldOut:], nil
}

// parseDigits reads lines of 64 pixels from 0 to 16 and a digit.
func parseDigits(r io.Reader) ([]example, error) {
	lines := csv.NewReader(r)
	lines.FieldsPerRecord = pixels + 1
	lines.ReuseRecord = true
	var all []example
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		var e example
		for i, field := range fields {
			value, err := strconv.ParseUint(field, 10, 8)
			switch {
			case err != nil:
				return nil, fmt.Errorf("line %d, field %d: %w", len(all)+1, i+1, err)
			case i < pixels:
				e.image[i] = float64(value) / 16
			case value >= classes:
				return nil, fmt.Errorf("line %d: %d is no digit", len(all)+1, value)
			default:
				e.digit = int(value)
			}
		}
		all = append(all, e)
	}
}
