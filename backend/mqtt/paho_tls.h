#pragma once
#include <mqtt/ssl_options.h>

#include "base/tls/endpoint.h"

namespace parley {

// For adapters over Paho C++. Who it trusts is checked, and that the certificate is for the host: Paho does the latter only with `verify`.
inline mqtt::ssl_options paho_tls(const Endpoint& endpoint) {
  mqtt::ssl_options options;
  options.set_enable_server_cert_auth(true);
  options.set_verify(true);
  if (!endpoint.ca_file.empty()) options.set_trust_store(endpoint.ca_file);
  if (!endpoint.cert_file.empty()) {
    options.set_key_store(endpoint.cert_file);
    options.set_private_key(endpoint.key_file);
  }
  return options;
}

}  // namespace parley
