package shim

import (
	"io"
	"net/http"
	"time"
)

const fetchTimeout = 10 * time.Second

// fetch gets a page and writes the answer to a file.
func fetch(dir string, f Fetch) {
	var answer Fetched
	client := http.Client{Timeout: fetchTimeout, Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil}}
	resp, err := client.Get(f.URL)
	if err == nil {
		answer.Status = resp.StatusCode
		answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, f.Max))
		resp.Body.Close()
	}
	if err != nil {
		answer.Error = err.Error()
	}
	if err := WriteFile(dir, f.File, answer, false); err != nil {
		complain(err)
	}
}
