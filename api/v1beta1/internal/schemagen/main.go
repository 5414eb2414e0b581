// Command schemagen writes experiment.schema.json from the Go types and their comments. It is run by go generate in the
// folder of package v1beta1.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/invopop/jsonschema"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"qalam/api/v1beta1"
)

const (
	base   = "qalam/api/v1beta1"
	output = "experiment.schema.json"
)

func main() {
	data, err := generate(".")
	if err == nil {
		err = os.WriteFile(output, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

// generate makes the schema from the sources in a folder, which must be the working directory.
func generate(folder string) ([]byte, error) {
	enums, err := enumerations(folder)
	if err != nil {
		return nil, err
	}
	r := &jsonschema.Reflector{RequiredFromJSONSchemaTags: true, Anonymous: true, Mapper: mapper(enums)}
	if err := r.AddGoComments(base, folder, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	schema := r.Reflect(&v1beta1.Experiment{})
	for _, root := range []any{&v1beta1.Trial{}, &v1beta1.Suggestion{}} {
		for name, def := range r.Reflect(root).Definitions {
			schema.Definitions[name] = def
		}
	}
	schema.Title = "Experiment"
	schema.Description = "A search for the best values of a training job's parameters, as Katib's kubeflow.org/v1beta1 defines it."
	for name, def := range schema.Definitions {
		finish(name, def)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return out.Bytes(), nil
}

// enumerations collects the constants of every type marked +enum, in their order.
func enumerations(folder string) (map[string][]any, error) {
	pkgs, err := parser.ParseDir(token.NewFileSet(), folder, nil, parser.ParseComments) //nolint:staticcheck // no build tags here
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	marked, values := map[string]bool{}, map[string][]any{}
	for _, file := range pkgs["v1beta1"].Files {
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range decl.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					marked[s.Name.Name] = strings.Contains(commentText(decl.Doc), "+enum")
				case *ast.ValueSpec:
					name, ok := s.Type.(*ast.Ident)
					if !ok || len(s.Values) == 0 {
						continue
					}
					if lit, ok := s.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
						text, err := strconv.Unquote(lit.Value)
						if err != nil {
							return nil, fmt.Errorf("constant %s: %w", s.Names[0].Name, err)
						}
						if text != "" && text != "unknown" && text != "Invalid" {
							values[name.Name] = append(values[name.Name], text)
						}
					}
				}
			}
		}
	}
	for name := range values {
		if !marked[name] {
			delete(values, name)
		}
	}
	return values, nil
}

func commentText(g *ast.CommentGroup) string {
	var b strings.Builder
	if g != nil {
		for _, c := range g.List {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

func described(typ, text string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: typ, Description: text}
}

func oneOf(types ...string) []*jsonschema.Schema {
	var list []*jsonschema.Schema
	for _, t := range types {
		list = append(list, &jsonschema.Schema{Type: t})
	}
	return list
}

// mapper gives the schemas of types that are not ours or hold anything.
func mapper(enums map[string][]any) func(reflect.Type) *jsonschema.Schema {
	return func(t reflect.Type) *jsonschema.Schema {
		switch t {
		case reflect.TypeFor[metav1.ObjectMeta]():
			return metadata()
		case reflect.TypeFor[metav1.Time]():
			return &jsonschema.Schema{Type: "string", Format: "date-time"}
		case reflect.TypeFor[v1beta1.Object]():
			return &jsonschema.Schema{Type: "object", AdditionalProperties: jsonschema.TrueSchema}
		case reflect.TypeFor[v1beta1.IntOrString]():
			return &jsonschema.Schema{OneOf: oneOf("integer", "string")}
		}
		if t.PkgPath() == base && t.Kind() == reflect.String {
			return &jsonschema.Schema{Type: "string", Enum: enums[t.Name()]}
		}
		return nil
	}
}

// metadata is the part of Kubernetes' ObjectMeta that a user writes; the rest is allowed.
func metadata() *jsonschema.Schema {
	texts := func(text string) *jsonschema.Schema {
		s := described("object", text)
		s.AdditionalProperties = &jsonschema.Schema{Type: "string"}
		return s
	}
	s := described("object", "Name, namespace, labels and annotations.")
	s.Properties = jsonschema.NewProperties()
	s.Properties.Set("name", described("string",
		"The name: at most 40 lower-case letters, digits and hyphens, beginning with a letter. Required."))
	s.Properties.Set("namespace", described("string", "The namespace. Default: default."))
	s.Properties.Set("labels", texts("Labels. Every trial carries them too."))
	s.Properties.Set("annotations", texts("Annotations, for people and other programs."))
	return s
}

var required = regexp.MustCompile(`(^|\. )Required[.,]`)

// finish adds what the Go types do not say: what is required, and where numbers are accepted for texts and the reverse.
func finish(name string, def *jsonschema.Schema) {
	if def.Properties == nil {
		return
	}
	for p := def.Properties.Oldest(); p != nil; p = p.Next() {
		s := p.Value
		s.Description = strings.ReplaceAll(s.Description, "\n", " ")
		if required.MatchString(s.Description) {
			def.Required = append(def.Required, p.Key)
		}
		switch name + "." + p.Key {
		case "FeasibleSpace.min", "FeasibleSpace.max", "FeasibleSpace.step", "ObjectiveSpec.goal":
			s.Type, s.OneOf = "", oneOf("string", "number")
		case "AlgorithmSetting.value", "EarlyStoppingSetting.value":
			s.Type, s.OneOf = "", oneOf("string", "number", "boolean")
		case "FeasibleSpace.list":
			s.Items = &jsonschema.Schema{OneOf: oneOf("string", "number", "boolean")}
		}
	}
	def.Description = strings.ReplaceAll(strings.SplitN(def.Description, "\n\n", 2)[0], "\n", " ")
	switch name {
	case v1beta1.KindExperiment, v1beta1.KindTrial, v1beta1.KindSuggestion:
		def.Required = []string{"apiVersion", "kind", "metadata", "spec"}
		head := func(key, value, text string) {
			def.Properties.Set(key, &jsonschema.Schema{Type: "string", Const: value, Description: text})
		}
		head("apiVersion", v1beta1.APIVersion, "The version of the API: kubeflow.org/v1beta1.")
		head("kind", name, "The kind of the document: "+name+".")
		if s, ok := def.Properties.Get("metadata"); ok && s.Description == "" {
			s.Description = "Name, namespace, labels and annotations."
		}
	}
}
