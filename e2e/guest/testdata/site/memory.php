<?php
// Wants more memory than memory_limit, which PHP ends the request for.
session_start();
for ($hoard = [];;) {
	$hoard[] = str_repeat('x', 1 << 16);
}
