package suggest

// ParentLabel is the label of a Suggestion that names, by its number, the finished trial that the new one continues: where
// trials keep a checkpoint, the new trial starts from a copy of that one's.
const ParentLabel = "qalam.dev/parent"

// ObjectiveType is the setting of a rule or an algorithm that counts as the user does: where it is not given, whoever reads the
// Experiment sets it to the type of the objective, minimize or maximize.
const ObjectiveType = "objective_type"
