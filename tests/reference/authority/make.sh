#!/bin/sh
# An authority that no system knows, and a certificate of its own for 127.0.0.1, for a hundred years.
set -eu
cd "$(dirname "$0")"
new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
$new -x509 -days 36500 -subj "/CN=Test authority" -keyout authority-key.pem -out authority.pem \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
$new -subj "/CN=127.0.0.1" -keyout server-key.pem -out server.csr
printf 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' >extensions
openssl x509 -req -in server.csr -CA authority.pem -CAkey authority-key.pem -CAcreateserial -days 36500 \
    -extfile extensions -out server.pem
rm -f server.csr extensions authority-key.pem authority.srl
