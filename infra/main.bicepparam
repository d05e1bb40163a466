using 'main.bicep'

// For azd, from its environment: `azd env set NAME value`. Whoever runs azd enters the secrets: azd sets
// AZURE_PRINCIPAL_ID by itself, but not AZURE_PRINCIPAL_TYPE, which a pipeline sets to ServicePrincipal.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param d365BaseUrl = readEnvironmentVariable('D365_BASE_URL')
param operatorPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param stores = ['nordlys', 'prairie']
