package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"evisit/pkg/secretstore"
)

// A vault is the installation's folder in Secrets Manager.
type vault struct {
	client *secretsmanager.Client
	folder string
}

func (v vault) id(name string) *string { return aws.String(v.folder + "/" + name) }

// read returns a secret as functions read it; nil if there is none.
func (v vault) read(ctx context.Context, name string) ([]byte, error) {
	b, err := secretstore.Source(v.client, v.folder)(ctx, name)
	if _, none := errors.AsType[*types.ResourceNotFoundException](err); none {
		return nil, nil
	}
	return b, err
}

// create stores a secret that is not there. It fails if there is one by now.
func (v vault) create(ctx context.Context, name string, value any) error {
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = v.client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: v.id(name), SecretString: aws.String(string(b))})
	if err != nil {
		return fmt.Errorf("storing secret %s: %w", *v.id(name), err)
	}
	return nil
}

// store creates a secret, or gives it another value.
func (v vault) store(ctx context.Context, name string, value any) error {
	err := v.create(ctx, name, value)
	if _, there := errors.AsType[*types.ResourceExistsException](err); !there {
		return err
	}
	b, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = v.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: v.id(name), SecretString: aws.String(string(b))})
	if err != nil {
		return fmt.Errorf("storing secret %s: %w", *v.id(name), err)
	}
	return nil
}
