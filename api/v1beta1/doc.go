// Package v1beta1 is Katib's API kubeflow.org/v1beta1 on the wire: Experiment, Suggestion and Trial with their defaults, and the
// JSON Schema and explanations made from their comments. It knows no rule beyond the defaults: package spec validates.
//
// A field's comment is what `qalam explain` prints and what editors show, so it says what the field means, its unit, its default
// and the values allowed. Fields that Katib does not know are marked "Extension".
//
// +kubebuilder:object:generate=true
// +groupName=kubeflow.org
package v1beta1

//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object paths=.
//go:generate go run qalam/api/v1beta1/internal/schemagen

// Group, Version and the kinds of this API.
const (
	Group          = "kubeflow.org"
	Version        = "v1beta1"
	APIVersion     = Group + "/" + Version
	KindExperiment = "Experiment"
	KindSuggestion = "Suggestion"
	KindTrial      = "Trial"
)
