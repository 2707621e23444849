#!/usr/bin/python3
# SPDX-License-Identifier: 0BSD
"""One worker of gunicorn (20.1 or later) and no arbiter beside it: availd is that.

    install -D worker.py /usr/local/libexec/gunicorn-worker
    availd run --protocol=queue --retire-signal=TERM --listen 127.0.0.1:8000 -- \\
        /usr/local/libexec/gunicorn-worker --chdir=/srv/app app:application

It takes gunicorn's options, configuration file, hooks and classes of workers. What is
about the arbiter alone (bind, workers, preload, daemon, pidfile) says nothing here.
With --template=worker the application is loaded once, as by gunicorn's --preload, and
workers are forks: see docs/template.md for what an application must not do then.
"""
import gc
import importlib
import os
import signal
import socket
import sys
import time
import types


class Later(types.ModuleType):
    """Stands for a module, and loads it when something of it is used."""

    def give_way(self):
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]

    def __getattr__(self, name):
        self.give_way()
        return getattr(importlib.import_module(self.__name__), name)


# gunicorn 20 imports it for the sake of classes named "egg:...", and it takes as long
# to load as all the rest. Who else imports it gets the module itself.
later = Later("pkg_resources")
sys.modules.setdefault(later.__name__, later)
from gunicorn import systemd, util
later.give_way()

from gunicorn.app.wsgiapp import WSGIApplication
import gunicorn.app.base
from gunicorn.arbiter import Arbiter


def alone(kind):
    """The class of workers, without what it has for the arbiter's sake."""

    class Worker(kind):
        # A worker leaves when its parent changes. After a crash of availd it
        # has another one, and is to go on until the next availd adopts it.
        ppid = property(lambda self: os.getppid(), lambda self, _: None)
        renewal = 0

        def is_parent_alive(self):  # sync asks this in place of ppid, for each request
            return True

        def notify(self):
            # The arbiter would kill a worker of which it has not heard for "timeout"
            # seconds, and looks once a second. Here the kernel does, Python needs no
            # part in it, and is told once a second.
            now = time.monotonic()
            if self.cfg.timeout and now >= self.renewal:
                self.renewal = now + 1
                signal.setitimer(signal.ITIMER_REAL, self.cfg.timeout + 1)

    return Worker


def fork_twice():
    """Report whether this is the template; else it is a worker, and availd's child, as the
    process between the two has ended."""
    if middle := os.fork():
        _, status = os.waitpid(middle, 0)
        if number := os.waitstatus_to_exitcode(status):
            raise OSError(number, os.strerror(number))
        return True
    try:
        if os.fork():
            os._exit(0)
    except OSError as error:
        os._exit(error.errno)
    return False


def how_to_fork():
    """A function of availd's does the same and copies the template once in place of twice,
    which for 60 MB is 4 ms in place of 6.5. It is there where availd is installed with it."""
    try:
        import ctypes
        library = ctypes.PyDLL(os.environ["AVAILD_TEMPLATE_FORK"], use_errno=True)
        fork, python = library.availd_fork, ctypes.pythonapi
        before, parent, child = python.PyOS_BeforeFork, python.PyOS_AfterFork_Parent, python.PyOS_AfterFork_Child
    except Exception:  # ctypes says a MemoryError where nothing may be made executable
        return fork_twice

    def fork_once():
        before()
        pid = fork()
        (parent if pid else child)()
        if pid < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return pid > 0

    return fork_once


def become_worker():
    """Return in a worker. With --template=worker this process does not: it has loaded
    the application, and forks a worker for each order."""
    orders = socket.socket(fileno=int(os.environ.pop("AVAILD_TEMPLATE_FD")))
    fork = how_to_fork()
    gc.collect()
    gc.freeze()  # the collector does not write to what is shared
    orders.send(b"READY=1")
    while order := orders.recv(4096).decode():
        number, *variables = order.removeprefix("FORK=").split("\n")
        try:
            if fork():
                continue
        except OSError as error:
            orders.send(f"FAILED={number} {error}".encode())
            continue
        os.environ.update(variable.split("=", 1) for variable in variables)
        os.environ["LISTEN_PID"] = str(os.getpid())
        orders.send(b"BORN=" + number.encode())
        return orders.close()
    sys.exit()  # availd wants no more


def inherited():
    """The sockets of systemd's protocol (sd_listen_fds(3)), as they are."""
    first = systemd.SD_LISTEN_FDS_START
    sockets = [socket.socket(fileno=fd) for fd in range(first, first + systemd.listen_fds())]
    for listener in sockets:
        if listener.family != socket.AF_UNIX:  # an answer's end must not wait for an acknowledgement of its head
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sockets


class Alone(Arbiter):
    """What is left of the arbiter: the settings, and the hooks that are told of it."""

    def run(self):
        if "AVAILD_TEMPLATE_FD" in os.environ:
            self.app.wsgi()
            self.worker_class  # loads its module, too
            become_worker()
        sockets = inherited()
        if not sockets:
            sys.exit("no sockets: start me with: availd run --protocol=queue --listen 127.0.0.1:8000 -- " + sys.argv[0])
        self.pid = os.getpid()
        worker = alone(self.worker_class)(1, os.getppid(), sockets, self.app, self.timeout / 2.0, self.cfg, self.log)
        worker.pid = self.pid
        util._setproctitle("worker [%s]" % self.proc_name)
        self.cfg.post_fork(self, worker)
        try:
            worker.init_process()
        finally:
            self.cfg.worker_exit(self, worker)


gunicorn.app.base.Arbiter = Alone
WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]").run()
