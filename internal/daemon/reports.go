package daemon

import "github.com/availd/availd/internal/report"

// reportFD is -1 where workers do not report.
func (d *daemon) reportFD() int {
	if d.reports == nil {
		return -1
	}
	return d.reports.FD()
}

// reportAddress is "" where workers do not report.
func (d *daemon) reportAddress() string {
	if d.reports == nil {
		return ""
	}
	return d.reports.Address()
}

func (d *daemon) receive(m *report.Message) error {
	if d.reports == nil {
		return report.ErrEmpty
	}
	return d.reports.Receive(m)
}
