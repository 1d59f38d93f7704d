<?php
// The router of PHP's own web server for sabre/dav 1.8 (Debian's php-sabre-dav) on sqlite.
// Below / it asks for Basic, below /digest/ for Digest; both are the same accounts.
error_reporting(E_ALL & ~E_DEPRECATED & ~E_NOTICE & ~E_WARNING);
ini_set('display_errors', '0');
date_default_timezone_set('UTC');
require_once 'Sabre/autoload.php';

const REALM = 'SabreDAV';

class BasicFromTable extends \Sabre\DAV\Auth\Backend\AbstractBasic {
    private $pdo;

    public function __construct(PDO $pdo) {
        $this->pdo = $pdo;
    }

    protected function validateUserPass($username, $password) {
        $found = $this->pdo->prepare('SELECT digesta1 FROM users WHERE username = ?');
        $found->execute(array($username));
        return hash_equals((string) $found->fetchColumn(), md5("$username:" . REALM . ":$password"));
    }
}

$pdo = new PDO('sqlite:' . getenv('SABRE_DATABASE'));
$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
$pdo->exec('PRAGMA busy_timeout = 10000');
$pdo->exec('PRAGMA synchronous = OFF');

$digest = strpos($_SERVER['REQUEST_URI'], '/digest/') === 0;
$principals = new \Sabre\DAVACL\PrincipalBackend\PDO($pdo);
$calendars = new \Sabre\CalDAV\Backend\PDO($pdo);
$server = new \Sabre\DAV\Server(array(
    new \Sabre\CalDAV\Principal\Collection($principals),
    new \Sabre\CalDAV\CalendarRootNode($principals, $calendars),
));
$server->setBaseUri($digest ? '/digest/' : '/');
$authentication = $digest ? new \Sabre\DAV\Auth\Backend\PDO($pdo) : new BasicFromTable($pdo);
$server->addPlugin(new \Sabre\DAV\Auth\Plugin($authentication, REALM));
$server->addPlugin(new \Sabre\CalDAV\Plugin());
$server->addPlugin(new \Sabre\DAVACL\Plugin());
$server->exec();
