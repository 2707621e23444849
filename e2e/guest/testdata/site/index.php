<?php
// The page that visitors see: it loads everything, as WordPress does for each page, and
// counts the visits in a session.
require __DIR__ . '/load.php';
session_start();
$_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
$posts = '';
for ($i = 0; $i < LOADED; $i++) {
	$posts .= call_user_func(["Post$i", 'render'], "visit {$_SESSION['visits']}");
}
$opcache = opcache_get_status(false);
header('Content-Type: application/json');
echo json_encode([
	'visits' => $_SESSION['visits'],
	'length' => strlen($posts),
	'version' => require __DIR__ . '/version.php',
	'pid' => getmypid(),
	'cache' => $opcache['opcache_statistics']['start_time'],
	'cached' => $opcache['opcache_statistics']['num_cached_scripts'],
]);
