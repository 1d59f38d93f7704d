<?php
// The router of PHP's own web server for DAViCal: what a web server's rewrite rules do for /.well-known.
error_reporting(E_ALL & ~E_DEPRECATED & ~E_NOTICE & ~E_WARNING);
$path = rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if (strpos($path, '/.well-known/') !== 0) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = '/caldav.php';
$_SERVER['PATH_INFO'] = $path;
chdir(getenv('DAVICAL_HTDOCS'));
require './caldav.php';
