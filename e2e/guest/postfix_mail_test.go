//go:build e2e

package guest

import (
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// mailRoot is where the mail system puts what it delivers: a folder for each
// mailbox, a file for each mail.
const mailRoot = "/var/vmail"

// mainCf is a mail system that delivers to mailboxes and asks nobody outside.
const mainCf = `compatibility_level = 3.6
myhostname = guest.test
inet_interfaces = loopback-only
inet_protocols = all
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = box.test
virtual_mailbox_base = ` + mailRoot + `
virtual_mailbox_maps = inline:{ one@box.test=one/, stress@box.test=stress/, use@box.test=use/, lost@box.test=lost/ }
virtual_uid_maps = static:8
virtual_gid_maps = static:8
virtual_minimum_uid = 1
`

// mailSystem starts Debian's Postfix, whose master does not listen on the port of
// SMTP.
func mailSystem(t *testing.T) {
	t.Helper()
	if err := os.WriteFile("/etc/postfix/main.cf", []byte(mainCf), 0o644); err != nil {
		t.Fatal(err)
	}
	mustScript(t, `
		install -d -o mail -g mail "$1"
		postconf -M# smtp/inet
		systemctl daemon-reload # Debian 12 has a generator of its instances
		systemctl start postfix.service`, mailRoot)
	t.Cleanup(func() {
		mustScript(t, `systemctl stop postfix.service`)
	})
	harness.WaitFor(t, "Postfix to run", harness.Patience, seldom(func() bool {
		_, err := harness.Run("postfix", "status")
		return err == nil
	}))
	if out, err := script(`ss -Hltn sport = :25`); err != nil || out != "" {
		t.Fatalf("somebody listens on the port of SMTP: %s, %v", out, err)
	}
}

// smtpd installs the example's units and its drop-in under another name, on a port
// of its own: two services of one name would share the lock of Postfix's daemons.
func smtpd(t *testing.T, name, availd string, conf []string, args ...string) *service {
	t.Helper()
	const example = "postfix-smtpd"
	s := inetdFiles(t, name)
	dir := filepath.Join(harness.Examples, example)
	s.write(name+".conf", "protocol=postfix\n"+strings.Join(conf, "\n")+"\n")
	text := read(t, filepath.Join(dir, example+".service"))
	if !strings.Contains(text, " -n smtp ") {
		t.Fatalf("no name of the service in\n%s", text)
	}
	here := strings.NewReplacer("ExecStart=/usr/bin/availd", "ExecStart="+availd, "/usr/bin/availd", harness.Availd,
		"/etc/availd/"+example+".conf", s.conf, example, name,
		" -n smtp ", " -n "+name+" ", " stress={stress}", " stress={stress} "+strings.Join(args, " "))
	s.text = here.Replace(text) + "\n" + here.Replace(read(t, filepath.Join(dir, example+".service.d", "postfix.conf")))
	socket := here.Replace(read(t, filepath.Join(dir, example+".socket")))
	if !strings.Contains(socket, "\nListenStream=25\n") {
		t.Fatalf("the socket is of another port:\n%s", socket)
	}
	s.Unit = harness.Install(t, name, strings.Replace(socket, "ListenStream=25", "ListenStream="+s.port(), 1), s.text)
	return s
}

// a mailer is one SMTP session.
type mailer struct {
	*smtp.Client
	conn net.Conn
}

// dial returns when the daemon has greeted.
func (s *service) dial() (*mailer, error) {
	c, err := net.DialTimeout("tcp", s.addr, harness.Patience)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(3 * harness.Patience))
	client, err := smtp.NewClient(c, "guest.test")
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return &mailer{client, c}, nil
}

// send hands one mail over; nil means that Postfix has taken it.
func (m *mailer) send(box string) error {
	if err := m.Mail("sender@box.test"); err != nil {
		return fmt.Errorf("MAIL: %w", err)
	}
	if err := m.Rcpt(box + "@box.test"); err != nil {
		return fmt.Errorf("RCPT: %w", err)
	}
	w, err := m.Data()
	if err != nil {
		return fmt.Errorf("DATA: %w", err)
	}
	if _, err = io.WriteString(w, "Subject: test\r\n\r\nhello\r\n"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("end of DATA: %w", err)
	}
	return nil
}

// mail is a session with one mail.
func (s *service) mail(box string) error {
	m, err := s.dial()
	if err != nil {
		return err
	}
	defer m.conn.Close()
	if err := m.send(box); err != nil {
		return err
	}
	return m.Quit()
}

// delivered counts the mails in a mailbox.
func delivered(box string) int {
	entries, _ := os.ReadDir(filepath.Join(mailRoot, box, "new")) // not there before the first
	return len(entries)
}

func awaitDelivered(t *testing.T, box string, n int) {
	t.Helper()
	harness.WaitFor(t, fmt.Sprint(n, " mails for ", box), 4*harness.Patience, seldom(func() bool { return delivered(box) >= n }))
	if got := delivered(box); got != n {
		t.Errorf("%d mails for %s, want %d", got, box, n)
	}
}

// posters send mail after mail until told to stop.
type posters struct {
	crowd
	box string
}

func (s *service) posters(n int, box string) *posters {
	p := &posters{crowd: crowd{quit: make(chan struct{})}, box: box}
	var once sync.Once
	begun := make(chan struct{})
	for range n {
		p.group.Go(func() {
			for {
				select {
				case <-p.quit:
					return
				default:
				}
				begin := time.Now()
				p.note(s.mail(box), time.Since(begin))
				once.Do(func() { close(begun) })
			}
		})
	}
	<-begun
	return p
}
