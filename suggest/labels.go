package suggest

// ParentLabel is the label of a Suggestion that names, by its number, the finished trial that the new one continues: where
// trials keep a checkpoint, the new trial starts from a copy of that one's.
const ParentLabel = "qalam.dev/parent"
