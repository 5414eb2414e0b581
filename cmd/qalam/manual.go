package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

//go:generate go run . man --reference ../../docs/reference/cli.md

func newManual(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:    "man [DIR]",
		Short:  "Write the manual pages into a folder",
		Args:   cobra.MaximumNArgs(1),
		Hidden: true,
	}
	reference := cmd.Flags().String("reference", "", "write the reference of all commands, in Markdown, to this `file`")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if *reference != "" {
			if err := os.MkdirAll(filepath.Dir(*reference), 0o755); err != nil {
				return err
			}
			return os.WriteFile(*reference, []byte(markdown(newRoot(a))), 0o644)
		}
		if len(args) == 0 {
			return usage("give a folder for the manual pages, or --reference FILE")
		}
		if err := os.MkdirAll(args[0], 0o755); err != nil {
			return err
		}
		for _, c := range documented(newRoot(a)) {
			page := filepath.Join(args[0], strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
			if err := os.WriteFile(page, []byte(roff(c)), 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// documented lists a command and those below it that people use, in order.
func documented(root *cobra.Command) []*cobra.Command {
	if !root.HasParent() {
		root.InitDefaultCompletionCmd()
	}
	list := []*cobra.Command{root}
	for _, c := range root.Commands() {
		if c.Name() != "help" && (c.IsAvailableCommand() || c.Name() == "exit-codes") {
			list = append(list, c)
		}
	}
	return list
}

// describe is what a command's help says first.
func describe(c *cobra.Command) string {
	if c.Long != "" {
		return strings.TrimSpace(c.Long)
	}
	return c.Short + "."
}

// markdown is the reference of all commands.
func markdown(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nThis page is made from the program by `go generate ./cmd/qalam`.\n")
	for _, c := range documented(root) {
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", c.CommandPath(), describe(c))
		if c.Runnable() || c.HasSubCommands() {
			fmt.Fprintf(&b, "\nUsage: `%s`\n", c.UseLine())
		}
		if c.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", strings.TrimPrefix(strings.ReplaceAll(c.Example, "\n  ", "\n"), "  "))
		}
		flags := c.NonInheritedFlags()
		if flags.HasAvailableFlags() {
			b.WriteString("\n| flag | |\n|---|---|\n")
			eachFlag(flags, func(name, text string) {
				fmt.Fprintf(&b, "| `%s` | %s |\n", name, strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(text))
			})
		}
	}
	return b.String()
}

// eachFlag calls f with how a flag is written and what it does.
func eachFlag(flags *pflag.FlagSet, f func(name, text string)) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Hidden || flag.Name == "help" {
			return
		}
		value, text := pflag.UnquoteUsage(flag)
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + strings.ReplaceAll(value, "|", ",")
		}
		switch flag.DefValue {
		case "", "0", "false", "[]", "0s":
		default:
			text += " (default " + flag.DefValue + ")"
		}
		f(name, text)
	})
}

// roff is the manual page of a command.
func roff(c *cobra.Command) string {
	var b strings.Builder
	escape := func(text string) string {
		text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
		lines := strings.Split(text, "\n")
		for i, l := range lines {
			if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
				lines[i] = `\&` + l
			}
		}
		return strings.Join(lines, "\n")
	}
	block := func(title, text string) {
		fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", title, escape(text))
	}
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"qalam\" \"Qalam\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(escape(name)), escape(name), escape(c.Short))
	block("SYNOPSIS", c.UseLine())
	block("DESCRIPTION", describe(c))
	for title, flags := range map[string]*pflag.FlagSet{"OPTIONS": c.NonInheritedFlags()} {
		if flags.HasAvailableFlags() {
			fmt.Fprintf(&b, ".SH %s\n", title)
			eachFlag(flags, func(name, text string) { fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", escape(name), escape(text)) })
		}
	}
	if c.Example != "" {
		block("EXAMPLES", c.Example)
	}
	if !c.HasParent() {
		block("EXIT STATUS", exitCodesText)
		block("ENVIRONMENT", "QALAM_HOME\n    folder where experiments are kept\nNO_COLOR\n    no colours")
	}
	return b.String()
}
