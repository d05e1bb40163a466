metadata description = 'Who may do what: the entries of roles.json, for the modules that grant them.'

@export()
@description('What kind of account a role is granted to. Azure asks, so that it need not look a new account up.')
type principalKind = 'User' | 'Group' | 'ServicePrincipal'

@export()
@description('Whoever enters the secrets and uses the operator\'s command.')
type operatorType = {
  @description('Object id; empty for nobody.')
  id: string

  kind: principalKind
}

@export()
@description('An entry of roles.json.')
type roleType = {
  name: string
  id: string
  scope: string
  principal: 'app' | 'operator'
  reason: string
}

@export()
@description('The roles on one scope. They must not depend on the id of the app\'s identity, which is known only while deploying: what-if leaves out a module whose number of resources it cannot tell.')
func granted(scope string, operator operatorType) roleType[] =>
  filter(loadJsonContent('roles.json'), role => role.scope == scope && (role.principal == 'app' || !empty(operator.id)))
