package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"qalam/api/v1beta1"
)

const imagesText = `An image map says which folders of this machine stand for which container images, since no image is pulled here. It is a YAML file,
given by --images, or named images.yaml or qalam.yaml beside the experiment or in ~/.config/qalam. A single folder is given by
--image 'GLOB=DIR', which makes DIR the working folder, or 'GLOB=DIR:PATH', which also shows it as PATH inside the trial.

  images:
    - image: "docker.io/me/train:*"     # name with *, ? and […]; of several that match, the most exact counts
      mounts:                           # what the image holds; relative folders are relative to this file
        - {path: /opt/train, source: ./src, readOnly: true}
      workingDir: /opt/train            # as WORKDIR: a path of a mount, or any folder of this machine
      venv: ~/venvs/torch               # a Python environment; its bin comes first in PATH
      env: {PATH: "/usr/bin:/bin"}      # as ENV
      command: ["python3", "train.py"]  # as ENTRYPOINT, for containers without a command
  env: {OMP_NUM_THREADS: "1"}           # for every container
  passEnv: [WANDB_*, HF_TOKEN]          # further variables of yours that trials get
  volumes:                              # what stands for claims and host paths
    data: /mnt/data
    /datasets: /mnt/datasets
`

func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [FIELD]",
		Short: "Explain a field of an Experiment, or image maps",
		Long:  `Explain a field of an Experiment by its path, with its type and default. qalam explain images explains image maps.`,
		Example: `  qalam explain
  qalam explain spec.objective.goal
  qalam explain images`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 {
				path = args[0]
			}
			if path == "images" {
				_, err := fmt.Fprint(a.out, imagesText)
				return err
			}
			switch first, _, _ := strings.Cut(path, "."); first {
			case "":
				path = "experiment"
			case "metadata", "spec", "status":
				path = "experiment." + path
			}
			text, err := v1beta1.Explain(path)
			if err != nil {
				return usage("%w", err)
			}
			_, err = fmt.Fprintln(a.out, text)
			return err
		},
	}
}
