metadata description = 'The types that several of our files share.'

@export()
@description('Tags by their name.')
type tagsType = {
  *: string
}

@export()
@description('Key of a store, as in config/stores/<key>.toml.')
@minLength(1)
type storeKey = string

@export()
@description('An e-mail address.')
@minLength(3)
type emailAddress = string

@export()
@description('An address that alerts are posted to; https.')
@minLength(9)
type webhookAddress = string

@export()
@description('An IPv4 address or a range of them, as in 203.0.113.0/24.')
@minLength(7)
type ipRange = string

@export()
@description('MB of an instance; 2048 comes with a whole core.')
type instanceMemory = 512 | 2048 | 4096

@export()
@description('A monthly budget of the resource group.')
type budgetType = {
  @description('A month, in the currency of the bill.')
  @minValue(1)
  amount: int

  @description('First day of the month of the first deployment with it, as in 2026-12-01. Azure does not let it change.')
  @minLength(10)
  @maxLength(10)
  start: string
}
