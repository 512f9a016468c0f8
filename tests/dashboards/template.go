// Execute a template of a notification with the engine that Grafana uses: Go's text/template. Its functions are those of
// Grafana's that Hearth's templates call. Standard input: {"template": …, "data": …}.
package main

import (
	"encoding/json"
	"os"
	"text/template"
	"time"
)

type Alert struct {
	Labels, Annotations map[string]string
	StartsAt, EndsAt    time.Time
	PanelURL            string
}

type Alerts struct{ Firing, Resolved []Alert }

type Data struct {
	CommonLabels map[string]string
	Alerts       Alerts
}

type dataFunctions struct{}

func (dataFunctions) ToJSON(value any) (string, error) {
	text, err := json.Marshal(value)
	return string(text), err
}

func in(zone string, at time.Time) (time.Time, error) {
	place, err := time.LoadLocation(zone)
	return at.In(place), err
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var asked []struct {
		Template string
		Data     Data
	}
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	for _, one := range asked {
		functions := template.FuncMap{
			"tz":   in,
			"date": func(layout string, at time.Time) string { return at.Format(layout) },
			"data": func() dataFunctions { return dataFunctions{} },
		}
		parsed, err := template.New("").Option("missingkey=zero").Funcs(functions).Parse(one.Template)
		must(err)
		must(parsed.Execute(os.Stdout, one.Data))
		os.Stdout.WriteString("\x00")
	}
}
