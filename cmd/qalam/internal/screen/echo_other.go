//go:build !linux

package screen

import "os"

// Mute does nothing here.
func Mute(*os.File) (undo func()) { return func() {} }
