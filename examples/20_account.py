"""cloud.account: API keys from code, for programs that need one of their own."""

import cloud

key = cloud.account.create_key(note="for the night shift")
cloud.setkey(key["api_key"], key["api_secretkey"])  # from now on, cloud speaks with it
print(cloud.result(cloud.call(pow, 2, 5)))  # prints: 32

cloud.config.commit()  # takes setkey back
cloud.account.deactivate_key(api_key=key["api_key"])
assert key["api_key"] in cloud.account.list_keys()
print(key["api_key"] in cloud.account.list_keys(active_only=True))  # prints: False
