// The second opinion checks evidence bundles from docs/formats alone; it shares no code with Cangdan.
//
//	second-opinion TRUST.json PATH...
//
// prints one line a file, those of a folder by their names: "<name> ok", or "<name> <step> <rule>".
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// check gives "ok", or the step that fails and why.
func check(text []byte, believed trust) (says string) {
	says = "ok"
	defer func() {
		if found := recover(); found != nil {
			refused, ours := found.(refusal)
			if !ours {
				panic(found)
			}
			says = refused.step + " " + refused.rule
		}
	}()
	prove(text, believed)
	return says
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: second-opinion TRUST.json PATH...")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	stopOn(err)
	believed := readTrust(text)
	files := filesOf(os.Args[2:])
	said := make([]string, len(files))
	var waiting sync.WaitGroup
	slots := make(chan bool, 2)
	for at, file := range files {
		waiting.Add(1)
		slots <- true
		go func() {
			defer func() { <-slots; waiting.Done() }()
			bundle, err := os.ReadFile(file)
			stopOn(err)
			said[at] = filepath.Base(file) + " " + check(bundle, believed)
		}()
	}
	waiting.Wait()
	fmt.Println(strings.Join(said, "\n"))
}

// filesOf gives the files, and those of the folders.
func filesOf(paths []string) (files []string) {
	for _, path := range paths {
		about, err := os.Stat(path)
		stopOn(err)
		if !about.IsDir() {
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		stopOn(err)
		for _, each := range entries {
			files = append(files, filepath.Join(path, each.Name()))
		}
	}
	return files
}

func stopOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
