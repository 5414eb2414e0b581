// Package spec reads what a user wrote: YAML or JSON becomes a validated experiment.Spec and a compiled trial template, or a
// list of every fault with its place and remedy. It renders templates, evaluates the conditions of jobs, and writes
// experiments and trials as Katib would hold them. It knows no runner, no store, no clock, and what a job kind means only as
// far as its fields have names.
//
// # Values in templates
//
// A value replaces its placeholder inside a text of the decoded template, once, and is never looked at again: whatever it
// holds (quotes, JSON, line breaks, further placeholders) it stays one text. Where a placeholder is the whole text of a field
// that holds a whole number or a boolean in Kubernetes (replicas, parallelism, suspend, …: see typedFields) a value that reads as
// one becomes one; everywhere else, as in arguments and labels, it stays text.
//
// A shell or an interpreter reads its script (the argument behind sh -c, python -c, …) again, so that a value there could be
// run. A placeholder in such an argument is warned of; a listed value of a parameter that stands there must consist of letters,
// digits and ._:/=+,@%- only, or the experiment is refused; and Render refuses any other value there.
package spec
