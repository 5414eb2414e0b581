package provision

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"qalam/workload"
)

// source is one source of files: a ConfigMap, a Secret or the pod's own fields.
type source struct {
	Name        string     `json:"name"`
	SecretName  string     `json:"secretName"`
	Optional    bool       `json:"optional"`
	Items       []fileItem `json:"items"`
	DefaultMode *uint32    `json:"defaultMode"`
}

type fileItem struct {
	Key              string                `json:"key"`
	Path             string                `json:"path"`
	Mode             *uint32               `json:"mode"`
	FieldRef         *workload.FieldRef    `json:"fieldRef"`
	ResourceFieldRef *workload.ResourceRef `json:"resourceFieldRef"`
}

var dataKey = pattern(`^[-._a-zA-Z0-9]+$`)

// projection makes the files of a configMap, secret, downwardAPI or projected volume.
func (s *scene) projection(name, kind string, raw json.RawMessage) (*volume, error) {
	p := &projector{scene: s, at: filepath.Join("volumes", name), items: map[string]bool{}}
	var whole struct {
		source
		Sources []map[string]json.RawMessage `json:"sources"`
	}
	if err := decode(raw, &whole); err != nil {
		return nil, err
	}
	p.mode = 0o644
	if whole.DefaultMode != nil {
		p.mode = *whole.DefaultMode
	}
	var err error
	if kind == "projected" {
		for _, sources := range whole.Sources {
			for _, k := range slices.Sorted(maps.Keys(sources)) {
				var src source
				err = errors.Join(err, decode(sources[k], &src), p.add(k, &src))
			}
		}
	} else {
		err = p.add(kind, &whole.source)
	}
	if err != nil {
		return nil, err
	}
	s.folders = append(s.folders, folder{root: s.dir, path: p.at})
	return &volume{source: s.below(p.at), readOnly: true, items: p.items}, nil
}

// projector collects the files of one volume.
type projector struct {
	*scene
	at    string // of the volume, below the pod's folder
	mode  uint32
	items map[string]bool // by path, with the folders that hold them
}

func (p *projector) add(kind string, src *source) error {
	switch kind {
	case "configMap":
		return p.document("ConfigMap", src.Name, src)
	case "secret":
		return p.document("Secret", src.SecretName+src.Name, src)
	case "downwardAPI":
		return p.downward(src)
	}
	p.note("%s: nothing is projected from it here", kind)
	return nil
}

func (p *projector) document(kind, name string, src *source) error {
	doc, ok := p.task.Documents[kind+"/"+name]
	if !ok {
		if src.Optional {
			return nil
		}
		return fmt.Errorf("%s %q not found: add it to the experiment's file as a document of its own, or mark it optional", kind, name)
	}
	items := src.Items
	if len(items) == 0 {
		for _, key := range slices.Sorted(maps.Keys(doc.Data)) {
			if !dataKey().MatchString(key) || key == "." || strings.HasPrefix(key, "..") {
				return fmt.Errorf("%s %q: key %q cannot be the name of a file", kind, name, key)
			}
			items = append(items, fileItem{Key: key, Path: key})
		}
	}
	for _, it := range items {
		b, ok := doc.Data[it.Key]
		if !ok {
			if src.Optional {
				continue
			}
			return fmt.Errorf("%s %q has no key %q: it has %s", kind, name, it.Key, orNone(slices.Sorted(maps.Keys(doc.Data))))
		}
		if kind == "Secret" {
			p.secret(it.Key, string(b))
		}
		if err := p.file(it, b); err != nil {
			return fmt.Errorf("%s %q: %w", kind, name, err)
		}
	}
	return nil
}

func (p *projector) downward(src *source) error {
	for _, it := range src.Items {
		var value string
		err := errors.New("names neither fieldRef nor resourceFieldRef")
		switch {
		case it.FieldRef != nil:
			value, err = p.field(it.FieldRef.FieldPath)
		case it.ResourceFieldRef != nil:
			if of := p.container(it.ResourceFieldRef.ContainerName); of != nil {
				value, err = p.resourceField(of, it.ResourceFieldRef)
			} else {
				err = fmt.Errorf("names container %q, which the pod does not have", it.ResourceFieldRef.ContainerName)
			}
		}
		if err == nil {
			err = p.file(it, []byte(value))
		}
		if err != nil {
			return fmt.Errorf("item %q: %w", it.Path, err)
		}
	}
	return nil
}

func (p *projector) file(it fileItem, content []byte) error {
	if !filepath.IsLocal(it.Path) || slices.Contains(strings.Split(it.Path, "/"), "..") {
		return fmt.Errorf("path %q leads out of the volume", it.Path)
	}
	at := path.Clean(it.Path)
	if p.items[at] {
		return fmt.Errorf("path %q is given twice", it.Path)
	}
	for dir := at; dir != "."; dir = path.Dir(dir) {
		p.items[dir] = true
	}
	mode := p.mode
	if it.Mode != nil {
		mode = *it.Mode
	}
	p.files = append(p.files, file{path: p.below(p.at, at), mode: ownerOnly(mode), content: content})
	return nil
}

// ownerOnly is a file's mode without what it allows to others: trials run as the user who starts them.
func ownerOnly(mode uint32) fs.FileMode { return fs.FileMode(mode)&0o700 | 0o400 }
