<?php
// Keeps an upload, as the media library does, and says what has arrived.
session_start();
$kept = ini_get('session.save_path') . '/' . session_id() . '.upload';
if ($_FILES['file']['error'] !== UPLOAD_ERR_OK || !move_uploaded_file($_FILES['file']['tmp_name'], $kept)) {
	http_response_code(400);
	exit("error {$_FILES['file']['error']}");
}
echo sha1_file($kept);
unlink($kept);
