// Package secretstore reads secrets from AWS Secrets Manager.
package secretstore

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"evisit/pkg/secret"
)

// Source returns the secrets below folder, such as evisit/production: NAME is the
// secret folder/NAME. A function's role reads its own only (template.yaml).
func Source(client *secretsmanager.Client, folder string) secret.Source {
	read := client.GetSecretValue // the one call, so that a client in an interface does not link all of them
	return func(ctx context.Context, name string) ([]byte, error) {
		out, err := read(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(folder + "/" + name)})
		if err != nil {
			return nil, fmt.Errorf("reading secret %s/%s: %w", folder, name, err)
		}
		return []byte(aws.ToString(out.SecretString)), nil
	}
}
