# availd: every target is one command; `make run` and `make test` need nothing else done before.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0)

build:
	go build -trimpath -o bin/availd .
.PHONY: build
