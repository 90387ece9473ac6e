// The second opinion checks evidence bundles from docs/formats alone; it shares no code with Cangdan.
//
//	second-opinion TRUST.json FOLDER
//
// prints one line a file of the folder, by name: "<name> ok", or "<name> <step> <rule>".
package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
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
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: second-opinion TRUST.json FOLDER")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	stopOn(err)
	believed := readTrust(text)
	files, err := os.ReadDir(os.Args[2])
	stopOn(err)
	said := make([]string, len(files))
	var waiting sync.WaitGroup
	slots := make(chan bool, 2)
	for at, file := range files {
		waiting.Add(1)
		slots <- true
		go func() {
			defer func() { <-slots; waiting.Done() }()
			bundle, err := os.ReadFile(filepath.Join(os.Args[2], file.Name()))
			stopOn(err)
			said[at] = file.Name() + " " + check(bundle, believed)
		}()
	}
	waiting.Wait()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, line := range said {
		fmt.Fprintln(out, line)
	}
}

func stopOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
