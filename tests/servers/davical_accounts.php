<?php
// Makes DAViCal accounts without any collection: php davical_accounts.php PASSWORD NAME...
$_SERVER += array(
    'SERVER_NAME' => '127.0.0.1', 'SERVER_ADDR' => '127.0.0.1', 'SERVER_PORT' => '80', 'HTTP_HOST' => 'localhost',
    'SCRIPT_NAME' => '/caldav.php', 'REQUEST_METHOD' => 'GET', 'REQUEST_URI' => '/', 'PATH_INFO' => '/',
);
require_once './always.php';
require_once 'AwlQuery.php';
require_once 'Principal.php';
foreach (array_slice($argv, 2) as $name) {
    $principal = new Principal('username', $name);
    $principal->Create(array(
        'username' => $name, 'user_active' => true, 'type_id' => 1, 'fullname' => $name, 'displayname' => $name,
        'password' => '**' . $argv[1], 'email' => "$name@example.org",
    ));
}
