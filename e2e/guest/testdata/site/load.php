<?php
const LOADED = 40;
for ($i = 0; $i < LOADED; $i++) {
	require_once __DIR__ . "/post$i.php";
}
