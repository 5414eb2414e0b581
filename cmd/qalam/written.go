package main

import (
	"encoding/json"

	"qalam/api/v1beta1"
)

// written is an Experiment as a person would write it: without what only a running one has.
func written(x *v1beta1.Experiment) map[string]any {
	data, err := json.Marshal(x)
	must(err) // it came from JSON
	var object map[string]any
	must(json.Unmarshal(data, &object))
	delete(object, "status")
	if meta, ok := object["metadata"].(map[string]any); ok {
		delete(meta, "creationTimestamp")
		delete(meta, "uid")
	}
	return object
}
