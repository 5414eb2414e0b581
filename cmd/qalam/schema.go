package main

import (
	"github.com/spf13/cobra"

	"qalam/api/v1beta1"
)

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of Experiments, for editors",
		Long: `Print the JSON Schema of Experiments, so that editors complete and check them. With the YAML language server, put into the file:

  # yaml-language-server: $schema=experiment.schema.json`,
		Example: `  qalam schema > experiment.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(v1beta1.Schema())
			return err
		},
	}
}
