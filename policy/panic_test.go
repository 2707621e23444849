package policy

import "testing"

// Only a caller that breaks the protocol meets a panic.
func TestPanics(t *testing.T) {
	tests := []struct {
		name, want string
		misuse     func(*Service)
	}{
		{"time", "policy: time runs backwards", func(s *Service) {
			s.Tick(5)
			s.Tick(4)
		}},
		{"start not asked for", "policy: answer to a start that was not asked for", func(s *Service) {
			s.Started(0, 1, 101)
		}},
		{"refusal not asked for", "policy: answer to a start that was not asked for", func(s *Service) {
			s.StartFailed(0, 0)
		}},
		{"another generation", "policy: answer to a start that was not asked for", func(s *Service) {
			s.Connection(0, 1)
			s.Started(0, 2, 101)
		}},
		{"answered twice", "policy: answer to a start that was not asked for", func(s *Service) {
			s.Connection(0, 1)
			s.Started(0, 1, 101)
			s.Started(0, 1, 102)
		}},
		{"one id, two workers", "policy: worker started twice", func(s *Service) {
			s.Connection(0, 1)
			s.Started(0, 1, 101)
			s.Status(0, Report{Worker: 101, Generation: 1, HasAvailable: true, Available: Busy})
			s.Connection(0, 1)
			s.Started(0, 2, 101)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New(Config{})
			s.Start(0)
			defer func() {
				if got := recover(); got != test.want {
					t.Fatalf("panic %v, want %q", got, test.want)
				}
			}()
			test.misuse(s)
		})
	}
}

// An id may come again once its worker is gone.
func TestIDIsUsedAgain(t *testing.T) {
	s := New(Config{})
	s.Start(0)
	for generation := uint64(1); generation <= 3; generation++ {
		s.Connection(0, 1)
		s.Started(0, generation, 101)
		s.Exit(0, 101, End{})
	}
	if n := s.Condition(0).Counters.Exited; n != 3 {
		t.Fatalf("%d ends", n)
	}
}
