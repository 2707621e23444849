# availd. Every target is one command, and needs nothing else done before: Go and
# the modules come by themselves, and what tests want of the system is installed
# where that is possible (.ci/need).

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)
# Static, without paths of the build machine and without the repository's state, so
# that the same sources give the same bytes. A plain `go build` makes the same
# program; it only names its version in another way.
GOBUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false
LDFLAGS = -X main.version=$(VERSION)
LISTEN ?= 127.0.0.1:8080
FUZZTIME ?= 20s
FUZZEXECUTIONS ?= 1000000
PREFIX ?= /usr/local
DIST ?= dist
ARCHS ?= amd64 arm64
# The compilers of the shared object in the packages, by Go's names of architectures.
CC_amd64 ?= x86_64-linux-gnu-gcc
CC_arm64 ?= aarch64-linux-gnu-gcc
GOFUMPT = go run mvdan.cc/gofumpt@v0.12.0
STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
ERRORLINT = go run github.com/polyfloyd/go-errorlint@v1.8.0

# bin/availd
build:
	$(GOBUILD) -ldflags '$(LDFLAGS)' -o bin/availd .

# bin/availd-preload.so, which --preload loads into workers. It alone needs a C compiler.
preload:
	CC='$(CC)' preload/build bin/availd-preload.so

# an example on $(LISTEN), in the foreground; Ctrl-C ends it. The worker is the
# one in Python, or where that is missing the one in Go.
run: build
	@worker="$$(command -v python3) examples/http-python/worker.py"; \
	if ! command -v python3 >/dev/null; then \
		go build -trimpath -o bin/http-go ./examples/http-go && worker=bin/http-go; \
	fi; \
	echo "try: curl http://$(LISTEN)/    and: curl http://$(LISTEN)/sleep?ms=3000"; \
	set -x; exec bin/availd run --listen $(LISTEN) --protocol notify --limit 8 -- $$worker

# everything: go vet, all packages, and the scenarios on booted systemds. Says
# what it left out; AVAILD_REQUIRE=e2e makes that a failure.
test:
	@.ci/test

# the packages under the race detector
race:
	CGO_ENABLED=1 go test -race ./...

# what the compiler lets pass
lint:
	go vet ./... && go vet -tags e2e,bench ./e2e/...
	@out="$$($(GOFUMPT) -l .)" && test -z "$$out" || { echo "not formatted:" $$out; exit 1; }
	$(STATICCHECK) -tags e2e,bench ./...
	GOFLAGS=-tags=e2e,bench $(ERRORLINT) ./...
	go test -run TestLayering .

# fails when go.mod or what is generated is not what the tree has
generated:
	@.ci/generated

# the manual pages
man-lint:
	mandoc -T lint -W warning man/*.[1-8]

# every fuzz target, guided by coverage for $(FUZZTIME) and with $(FUZZEXECUTIONS) random
# mutations, and a storm over starts
fuzz:
	@.ci/fuzz $(FUZZTIME) $(FUZZEXECUTIONS)

# availd beside what else there is, in some seventy minutes; BENCH=TestBurst runs
# one comparison, or those that a regular expression names
bench:
	@.ci/need
	go test -tags e2e,bench -count=1 -timeout 100m -v ./e2e -run 'TestBench/$(BENCH)'

# benchmarks of single functions, for benchstat
microbench:
	go test -run '^$$' -bench . -benchmem -count 6 ./...

# the scenarios on booted systemds alone; needs root
e2e:
	go test -tags e2e -count=1 -timeout 34m -v ./e2e

# cover.out, and what it says
cover:
	go test -coverpkg=./... -coverprofile=cover.out ./...
	go tool cover -func=cover.out | tail -1

# $(DIST): a deb and an rpm for each architecture, with the shared object of --preload
# from CC_amd64 and CC_arm64
dist: $(addprefix dist-,$(ARCHS))

dist-%:
	GOOS=linux GOARCH=$* $(GOBUILD) -ldflags '-s -w $(LDFLAGS)' -o bin/availd-$* .
	CC='$(CC_$*)' preload/build bin/availd-preload-$*.so
	DIST=$(DIST) packaging/build $(VERSION) $* bin/availd-$* bin/availd-preload-$*.so

# everything below $(DESTDIR): see packaging/install for what goes where. After it
# journalctl --update-catalog, so that journalctl -x explains the messages. Without a C
# compiler the shared object of --preload is left out.
install: build
	@object=; if command -v $(firstword $(CC)) >/dev/null; then \
		$(MAKE) preload && object=bin/availd-preload.so; \
	else \
		echo "no C compiler ($(CC)): availd-preload.so is not installed, and --preload will be refused"; \
	fi; set -x; packaging/install '$(DESTDIR)' '$(PREFIX)' bin/availd $$object

clean:
	rm -rf bin dist cover.out

.PHONY: build preload run test race lint generated man-lint fuzz bench microbench e2e cover dist install clean
