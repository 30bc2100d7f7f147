package setup

import (
	"context"
	"log/slog"

	"evisit/pkg/metric"
)

// functionDimension is the one dimension of every metric, as AWS names it for its
// own metrics of functions.
const functionDimension = "FunctionName"

// A meter is the handler of a log whose lines with metrics are also documents of
// CloudWatch's embedded metric format, which CloudWatch Logs takes the metrics from:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
// Other lines are left as they are.
type meter struct {
	slog.Handler

	namespace, function string
}

// metered returns log with the metrics of function in namespace; log itself if
// namespace is empty.
func metered(log *slog.Logger, namespace, function string) *slog.Logger {
	if namespace == "" {
		return log
	}
	return slog.New(&meter{log.Handler(), namespace, function})
}

func (m *meter) Handle(ctx context.Context, r slog.Record) error {
	var found []definition
	r.Attrs(func(a slog.Attr) bool {
		if _, ok := a.Value.Any().(metric.Count); ok {
			found = append(found, definition{Name: a.Key, Unit: "Count"})
		}
		return true
	})
	if len(found) > 0 {
		r = r.Clone()
		r.AddAttrs(slog.String(functionDimension, m.function), slog.Any("_aws", metadata{
			Timestamp:         r.Time.UnixMilli(),
			CloudWatchMetrics: []directive{{m.namespace, [][]string{{functionDimension}}, found}},
		}))
	}
	return m.Handler.Handle(ctx, r)
}

func (m *meter) WithAttrs(as []slog.Attr) slog.Handler {
	return &meter{m.Handler.WithAttrs(as), m.namespace, m.function}
}

// WithGroup returns a handler without metrics, which must be members of the line's
// root.
func (m *meter) WithGroup(name string) slog.Handler { return m.Handler.WithGroup(name) }

// A metadata is the member _aws of a document, in the specification's words.
type metadata struct {
	Timestamp         int64 // milliseconds since 1970
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string // sets of root members
	Metrics    []definition
}

type definition struct{ Name, Unit string }
