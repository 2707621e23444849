<?php
// Ends its process as a faulty extension would, in the middle of a request.
session_start();
posix_kill(getmypid(), 11); // SIGSEGV, which only the CLI has a constant for
