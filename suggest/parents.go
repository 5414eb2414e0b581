package suggest

// parents is a Suggester that knows of which trials it will have none continued any more.
type parents interface {
	// MayBeParent reports whether a later suggestion may name the trial as its parent (ParentLabel), whatever is told until then.
	// It is true of a trial that is not known or not over. Once it is false it stays false, as long as outcomes of trials that
	// are over do not change.
	MayBeParent(number int) bool
}

// MayBeParent is what an algorithm says of trials that later suggestions may name as their parents (ParentLabel), after the
// outcomes told so far; nil where it does not say, so that it may be any. What it returns is to be used until the next Tell or Ask.
// An algorithm behind repetitions does not say: it knows trials by other numbers.
func MayBeParent(s Suggester) func(number int) bool {
	for {
		switch known := s.(type) {
		case parents:
			return known.MayBeParent
		case *queue:
			s = known.Suggester
		case *guard:
			s = known.Suggester
		default:
			return nil
		}
	}
}
