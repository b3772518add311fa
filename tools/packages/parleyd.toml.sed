# What the package sets otherwise than parleyd does.
1s/.*/# parleyd's configuration, read by parleyd.service. Every key with its default, except for `store` and\
# `broker.secret_file`; leave out what you do not change./
s|^store = .*|store = "sqlite:///var/lib/parley/backend/parley.db"|
/^secret_file = ""$/{
  s|.*|# parleyd.service reads it for parleyd (LoadCredential=): for another file `systemctl edit parleyd`, too.\
secret_file = "/etc/parley/backend.secret"|
  :rest
  n
  b rest
}
