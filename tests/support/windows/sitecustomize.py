"""Hide what Windows lacks from every program with this PYTHONPATH.

The standard library and the packages load first, because they branch by `sys.platform` and would look for
parts of the real Windows. Our own modules load afterwards and find nothing of POSIX.
"""

import asyncio
import concurrent.futures.thread
import logging.handlers
import multiprocessing.util
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import portalocker

LOADED = (asyncio, concurrent.futures.thread, logging.handlers, multiprocessing.util, random, shutil, socket)
LOADED_PACKAGES = (subprocess, tempfile, portalocker)
MODULES = ("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
SIGNALS_OF_WINDOWS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
SIGNAL_FUNCTIONS = (
    *("alarm", "getitimer", "pause", "pthread_kill", "pthread_sigmask", "setitimer"),
    *("sigpending", "sigtimedwait", "sigwait", "sigwaitinfo"),
)
SYSTEM_CALLS = (
    *(
        "O_CLOEXEC",
        "O_DIRECTORY",
        "O_NOFOLLOW",
        "O_NONBLOCK",
        "chown",
        "fchmod",
        "fork",
        "forkpty",
        "fpathconf",
    ),
    *("getegid", "geteuid", "getgid", "getpgid", "getpgrp", "getsid", "getuid", "killpg", "openpty"),
    *("pread", "pwrite", "register_at_fork", "setsid", "sysconf", "tcgetpgrp", "tcsetpgrp", "uname", "wait"),
)


def hide() -> None:
    for name in MODULES:
        sys.modules[name] = None
    for name in dir(signal):
        is_signal = name.startswith("SIG") and not name.startswith("SIG_") and name.isupper()
        if name in SIGNAL_FUNCTIONS or (is_signal and name not in SIGNALS_OF_WINDOWS):
            delattr(signal, name)
    for name in SYSTEM_CALLS:
        if hasattr(os, name):
            delattr(os, name)
    for name in ("poll", "epoll", "kqueue"):
        if hasattr(select, name):
            delattr(select, name)


hide()
