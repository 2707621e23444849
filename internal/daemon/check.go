package daemon

import (
	"errors"

	"github.com/availd/availd/internal/check"
	"github.com/availd/availd/internal/survey"
)

// checked refuses a reload with which the service could not serve: by what availd check
// calls an error, as far as a reload changes it. That is looked at from in here, where the
// user and the confinement are those of the workers. It depends on file systems and on the
// service manager, as the rest of what is read for a reload.
func (d *daemon) checked(n next) error {
	command := append([]string{n.path}, n.cfg.Command[1:]...)
	f := survey.FromInside(unitName(), check.Run{Settings: d.options.Settings, Command: command}, n.cfg)
	var all []error
	for _, finding := range check.Errors(f) {
		all = append(all, errors.New(finding.Complaint()))
	}
	return errors.Join(all...)
}
