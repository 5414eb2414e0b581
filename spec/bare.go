package spec

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"qalam/api/v1beta1"
)

// bare takes in a document that describes a search and does not say what it is, and reports whether this is one: an Experiment
// without its first lines, or what its spec holds alone.
func (d *Documents) bare(doc *document) bool {
	if doc.kind != "" && doc.kind != v1beta1.KindExperiment || doc.apiVersion != "" && doc.apiVersion != v1beta1.APIVersion {
		return false
	}
	if lookup(doc.root, "spec") != nil {
		d.experiments = append(d.experiments, doc)
		return true
	}
	fields := []string{"objective", "algorithm", "parameters"}
	if !slices.ContainsFunc(fields, func(name string) bool { return lookup(doc.root, name) != nil }) {
		return false
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "spec", Line: doc.root.Line, Column: doc.root.Column}
	outer := *doc
	outer.root = &yaml.Node{
		Kind: yaml.MappingNode, Tag: "!!map", Line: doc.root.Line, Column: doc.root.Column, Content: []*yaml.Node{key, doc.root},
	}
	d.experiments = append(d.experiments, &outer)
	return true
}
