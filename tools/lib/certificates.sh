#!/usr/bin/env bash
# Sourced by tools/up: a private certificate authority in a folder, and certificates of it. EC keys (P-256), which only their owner may
# read. What is there and good for another month stays as it is.

renew_before_s=$((30 * 86400))

# Good for another month, of this authority, and for this key.
good_certificate() { # CA CERTIFICATE KEY
  [[ -s $2 && -s $3 ]] &&
    openssl x509 -in "$2" -noout -checkend "$renew_before_s" >/dev/null 2>&1 &&
    openssl verify -partial_chain -trusted "$1" "$2" >/dev/null 2>&1 &&
    [[ $(openssl x509 -in "$2" -noout -pubkey) == "$(openssl pkey -in "$3" -pubout 2>/dev/null)" ]]
}

new_key() { # FILE
  (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.new" 2>/dev/null) && mv "$1.new" "$1"
}

random_serial() { echo "0x$(openssl rand -hex 16 | sed 's/^./1/')"; }

make_authority() { # DIR
  if good_certificate "$1/ca.crt" "$1/ca.crt" "$1/ca.key"; then return 0; fi
  new_key "$1/ca.key" &&
    openssl req -x509 -new -key "$1/ca.key" -sha256 -days 3650 -set_serial "$(random_serial)" \
      -subj "/CN=Parley, private authority $(openssl rand -hex 4)" -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' \
      -addext 'keyUsage=critical,keyCertSign,cRLSign' -out "$1/ca.crt.new" 2>/dev/null &&
    mv "$1/ca.crt.new" "$1/ca.crt"
}

# A certificate for a year, with a new key. Key and certificate are swapped in one after the other: whoever reads both in between gets an error,
# not a wrong pair.
sign() { # DIR NAME SUBJECT EXTENSIONS
  local folder=$1 name=$2
  new_key "$folder/$name.key.next" &&
    openssl req -new -key "$folder/$name.key.next" -subj "$3" -out "$folder/$name.csr" 2>/dev/null &&
    openssl x509 -req -in "$folder/$name.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -set_serial "$(random_serial)" -sha256 \
      -days 365 -extfile <(printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
        'authorityKeyIdentifier=keyid' "$4") -out "$folder/$name.crt.next" 2>/dev/null &&
    mv "$folder/$name.key.next" "$folder/$name.key" && mv "$folder/$name.crt.next" "$folder/$name.crt" && rm -f "$folder/$name.csr"
}

# localhost, this machine's names, and the loopback addresses.
server_names() {
  local name names=DNS:localhost
  for name in $(printf '%s\n' "$(hostname)" "$(hostname -f 2>/dev/null)" | sort -u); do
    [[ ! $name =~ ^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$ || $name == localhost ]] || names+=,DNS:$name
  done
  echo "$names,IP:127.0.0.1,IP:::1"
}

# Status 0: made anew; 1: there was a good one for these names; 2: it can't be made.
make_server_certificate() { # DIR
  local names
  names=$(server_names)
  if good_certificate "$1/ca.crt" "$1/server.crt" "$1/server.key" && [[ -e $1/server.names && $(<"$1/server.names") == "$names" ]]; then return 1; fi
  sign "$1" server /CN=localhost "$(printf 'extendedKeyUsage=serverAuth\nsubjectAltName=%s' "$names")" || return 2
  echo "$names" >"$1/server.names"
}

# The user's name is the common name; mosquitto makes it the user name (use_identity_as_username).
make_client_certificate() { # DIR USER
  if good_certificate "$1/ca.crt" "$1/$2.crt" "$1/$2.key"; then return 0; fi
  sign "$1" "$2" "/CN=$2" extendedKeyUsage=clientAuth
}
